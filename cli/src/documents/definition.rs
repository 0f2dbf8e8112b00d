//! The table of keys in underlay-network(5).

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use underlay::network::file::field::{DEFINITION, Field, Form};

/// The line of the page that the table takes the place of.
const PLACE: &str = ".\\\" KEYS\n";

/// The page with its table.
pub(super) fn page(text: &str) -> String {
    let mut roff = Roff::new();
    rows("", DEFINITION, &mut roff);
    text.replace(PLACE, &roff.to_roff())
}

/// Every key with all in front of it, as error messages have it, and those below it.
fn rows(above: &str, fields: &[Field], roff: &mut Roff) {
    for field in fields {
        let place = format!("{above}{}", field.key);
        row(&place, field, roff);
        match &field.form {
            Form::Object(below) => rows(&format!("{place}."), below, roff),
            Form::List { of: Form::Object(below), .. } => rows(&format!("{place}[]."), below, roff),
            _ => {}
        }
    }
}

fn row(place: &str, field: &Field, roff: &mut Roff) {
    let default = field
        .default
        .map_or_else(|| "It must be there.".to_owned(), |default| format!("Default: {default}."));
    roff.control("TP", []);
    roff.text([bold(place), roman("  "), italic(form(&field.form))]);
    roff.text(words(&format!("{} {default}", field.meaning)));
}

/// What a value looks like, in a word or two.
fn form(form: &Form) -> String {
    match form {
        Form::Flag => "true or false".to_owned(),
        Form::List { of, max } => format!("list of at most {max} {}", kind(of).1),
        Form::Map { of, max } => format!("object, at most {max} names with their {}", kind(of).1),
        Form::Range => "prefix, or FIRST-LAST".to_owned(),
        Form::Whole(range) => format!("number, {} to {}", range.start(), range.end()),
        Form::Words(words) => words().join(", "),
        other => kind(other).0.to_owned(),
    }
}

/// One of a kind, and several.
const fn kind(form: &Form) -> (&'static str, &'static str) {
    match form {
        Form::Address => ("address", "addresses"),
        Form::Domain => ("domain", "domains"),
        Form::Flag => ("flag", "flags"),
        Form::KubernetesNamespace => ("namespace", "namespaces"),
        Form::Link => ("link", "links"),
        Form::List { .. } => ("list", "lists"),
        Form::Map { .. } | Form::Object(_) => ("object", "objects"),
        Form::NetworkName => ("name", "names"),
        Form::Prefix => ("prefix", "prefixes"),
        Form::Range => ("range", "ranges"),
        Form::Text => ("text", "texts"),
        Form::Whole(_) => ("number", "numbers"),
        Form::Words(_) => ("word", "words"),
    }
}

/// What stands between backticks is bold.
fn words(text: &str) -> Vec<Inline> {
    let style = |(position, part): (usize, &str)| if position % 2 == 1 { bold(part) } else { roman(part) };
    text.split('`').enumerate().map(style).collect()
}
