//! Which known word somebody meant.

/// The known word that one typing slip, or two in a longer word, away from `word`; none if none is near.
pub(super) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // Nothing that long is a slip, and the distance takes time quadratic in the length.
    if word.len() > 32 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = if word.chars().count() < 4 { 1 } else { 2 };
    known
        .iter()
        .map(|candidate| (distance(&word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (position, from) in a.chars().enumerate() {
        let mut left = position + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.windows(2)) {
            let &[diagonal, up] = above else { continue };
            left = (diagonal + usize::from(from != *to)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
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
        assert_eq!(nearest("created", &known), None);
        assert_eq!(nearest("mac", &known), None);
        assert_eq!(nearest("", &known), None);
    }

    #[test]
    fn the_distance_is_the_least_number_of_slips() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
