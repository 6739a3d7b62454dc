//! What is counted in all crates.

use std::path::Path;

use anyhow::Result;

use super::{circles, files, literals, words};
use crate::workspace;

/// Words, circles and texts as they are.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) words: words::Uses,
    pub(super) circles: Vec<circles::Circle>,
    /// The texts that say what a document says.
    pub(super) literals: literals::Literals,
}

impl Survey {
    pub(super) fn of(root: &Path) -> Result<Self> {
        let known = literals::Known::read(root)?;
        let mut survey = Self::default();
        for folder in workspace::crates(root)? {
            let sources = files::rust(root, &folder.join("src"))?;
            words::collect(&sources, &mut survey.words);
            literals::collect(&sources, &known, &mut survey.literals);
            survey.circles.extend(circles::find(&folder, &sources));
        }
        Ok(survey)
    }
}
