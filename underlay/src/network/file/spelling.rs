//! Which known word somebody meant.

/// The known word that is one typing slip, or two in a longer word, away from `word`; none if none is near,
/// or if two are equally near.
pub(super) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // Nothing that long is a slip, and the distance takes time quadratic in the length.
    if word.len() > 32 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = if word.chars().count() < 4 { 1 } else { 2 };
    let away = |candidate: &&'static str| (distance(&word, candidate), *candidate);
    let near: Vec<_> = known.iter().map(away).filter(|(distance, _)| *distance <= allowed).collect();
    let least = near.iter().map(|(distance, _)| *distance).min()?;
    let mut nearest = near.into_iter().filter(|(distance, _)| *distance == least);
    let (_, first) = nearest.next()?;
    nearest.next().is_none().then_some(first)
}

/// The least number of insertions, deletions, replacements and exchanges of neighbours (Damerau and
/// Levenshtein, each place changed once at most).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut left = i;
        let mut row = vec![left];
        for j in 1..=b.len() {
            let at =
                |up: usize, back: usize| rows.get(i.checked_sub(up)?)?.get(j.checked_sub(back)?).copied();
            let same = |in_a: usize, in_b: usize| {
                a.get(i.wrapping_sub(in_a)).is_some_and(|c| b.get(j.wrapping_sub(in_b)) == Some(c))
            };
            let replaced = at(1, 1).map(|cost| cost + usize::from(!same(1, 1)));
            let deleted = at(1, 0).map(|cost| cost + 1);
            let exchanged = at(2, 2).filter(|_| same(1, 2) && same(2, 1)).map(|cost| cost + 1);
            left = [replaced, deleted, exchanged].into_iter().flatten().fold(left + 1, usize::min);
            row.push(left);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["subnet", "gateway", "ip_range", "mtu"];
        assert_eq!(nearest("subnets", &known), Some("subnet"));
        assert_eq!(nearest("gatewy", &known), Some("gateway"));
        assert_eq!(nearest("ip-range", &known), Some("ip_range"));
        assert_eq!(nearest("MTU", &known), Some("mtu"));
        assert_eq!(nearest("mut", &known), Some("mtu"));
        assert_eq!(nearest("l4", &["l2", "l3", "l3s"]), None, "two are as near");
        assert_eq!(nearest("created", &known), None);
        assert_eq!(nearest("mac", &known), None);
        assert_eq!(nearest("", &known), None);
    }

    #[test]
    fn the_distance_is_the_least_number_of_slips() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("brdige", "bridge"), 1);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
