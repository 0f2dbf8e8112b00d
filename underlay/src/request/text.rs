//! The two forms of an annotation that are not JSON.

use super::{
    annotation::MAX_NETWORKS,
    conflict::Numbered,
    draft::{self, Draft, RouteWord},
    mistake::{Fault, Mistakes, Place},
};

/// A part of the annotation, without space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    text: &'a str,
    /// Where it begins, in characters of the whole, from 1.
    column: usize,
}

/// The list that Multus reads: `item ("," item)*`.
pub(super) fn list(whole: &str, mistakes: &mut Mistakes) -> Vec<Numbered> {
    items(whole, ',', mistakes, head)
}

/// The short form: `item [":" options] (";" item [":" options])*`.
pub(super) fn short_form(whole: &str, mistakes: &mut Mistakes) -> Vec<Numbered> {
    items(whole, ';', mistakes, |item, place, draft, mistakes| {
        let (name, options) = item.split_once(':').map_or((item, None), |(a, b)| (a, Some(b)));
        if name.text.contains(',') {
            mistakes.note(place.column(name.column), Fault::MixedSeparators(name.text.into()));
        } else {
            head(name, place, draft, mistakes);
        }
        for option in options.iter().flat_map(|options| options.split(',')) {
            self::option(option, place, draft, mistakes);
        }
    })
}

fn items(
    whole: &str,
    separator: char,
    mistakes: &mut Mistakes,
    read: impl Fn(Piece<'_>, &Place, &mut Draft, &mut Mistakes),
) -> Vec<Numbered> {
    let count = whole.split(separator).count();
    if count > MAX_NETWORKS {
        mistakes.note(Place::default(), Fault::Networks(count));
        return vec![];
    }
    let mut requests = Vec::new();
    for (number, item) in (1..).zip(Piece { text: whole, column: 1 }.split(separator)) {
        let place = Place::network(number).column(item.column);
        let mut draft = Draft::default();
        read(item, &place, &mut draft, mistakes);
        requests.extend(draft.finish(&place, mistakes).map(|request| (number, request)));
    }
    requests
}

/// `[namespace "/"] network ["@" interface]`
fn head(piece: Piece<'_>, place: &Place, draft: &mut Draft, mistakes: &mut Mistakes) {
    if piece.text.is_empty() {
        return mistakes.note(place.clone(), Fault::NoNetwork);
    }
    let (path, interface) = piece.split_once('@').map_or((piece, None), |(a, b)| (a, Some(b)));
    let (namespace, network) = path.split_once('/').map_or((None, path), |(a, b)| (Some(a), b));
    if let Some(namespace) = namespace {
        mistakes.sift(place.column(namespace.column), draft::namespace(namespace.text));
    }
    draft.network = mistakes.sift(place.column(network.column), draft::network(network.text));
    draft.interface =
        interface.and_then(|name| mistakes.sift(place.column(name.column), draft::interface(name.text)));
}

fn option(piece: Piece<'_>, place: &Place, draft: &mut Draft, mistakes: &mut Mistakes) {
    let place = place.column(piece.column);
    let (key, value) = piece.split_once('=').map_or((piece, None), |(a, b)| (a, Some(b.text)));
    match (key.text, value) {
        ("ip", Some(text)) => {
            draft.addresses.extend(mistakes.sift(place.key("ip"), draft::address(text)));
        }
        ("mac", Some(_)) if draft.mac.is_some() => mistakes.note(place.key("mac"), Fault::Twice),
        ("mac", Some(text)) => draft.mac = mistakes.sift(place.key("mac"), draft::mac(text)),
        ("default-route", text) => {
            draft.routes.extend(mistakes.sift(place.key("default-route"), RouteWord::read(text)));
        }
        ("ip", None) => mistakes.note(place, Fault::NoValue("ip")),
        ("mac", None) => mistakes.note(place, Fault::NoValue("mac")),
        _ => mistakes.note(place, Fault::Option(piece.text.into())),
    }
}

impl<'a> Piece<'a> {
    fn split(self, separator: char) -> impl Iterator<Item = Self> {
        let mut column = self.column;
        self.text.split(separator).map(move |text| {
            let piece = Self { text, column };
            column += text.chars().count() + 1;
            piece.trim()
        })
    }

    fn split_once(self, separator: char) -> Option<(Self, Self)> {
        let (before, after) = self.text.split_once(separator)?;
        let column = self.column + before.chars().count() + 1;
        Some((Self { text: before, ..self }.trim(), Self { text: after, column }.trim()))
    }

    fn trim(self) -> Piece<'a> {
        let text = self.text.trim_start();
        let skipped = self.text.chars().count() - text.chars().count();
        Self { text: text.trim_end(), column: self.column + skipped }
    }
}
