//! What a check found.

use serde::Serialize;

/// How bad it is, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing, or not to be told from here.
    Note,
    /// Works less well than it looks, or only sometimes.
    Warning,
    /// Does not work.
    Failure,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check.
    pub check: &'static str,
    /// On what.
    pub subject: String,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was seen.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, check, subject, found)
    }

    /// Something to know.
    pub fn note(check: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Note, check, subject, found)
    }

    /// Something that may go wrong.
    pub fn warning(check: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, check, subject, found)
    }

    /// Something that does not work.
    pub fn failure(check: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Failure, check, subject, found)
    }

    /// With what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    fn new(
        verdict: Verdict,
        check: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { check, subject: subject.into(), verdict, found: found.into(), advice: None }
    }
}
