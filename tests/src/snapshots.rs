//! Snapshots in a folder; leftover snapshots are failures.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// The snapshots of one test file.
#[derive(Debug)]
pub struct Snapshots {
    folder: &'static str,
    asserted: BTreeSet<String>,
    failed: Vec<String>,
}

impl Snapshots {
    /// Uses the folder `tests/snapshots/<folder>`.
    pub fn in_folder(folder: &'static str) -> Self {
        Self {
            folder,
            asserted: BTreeSet::new(),
            failed: Vec::new(),
        }
    }

    /// Compares `text` with the snapshot `name`; [`finish`](Self::finish) reports a difference.
    pub fn assert(&mut self, name: &str, text: &str) {
        assert!(self.asserted.insert(name.to_owned()), "{name} comes twice");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(self.path());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let compared = catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(name, text));
        }));
        if compared.is_err() {
            self.failed.push(name.to_owned());
        }
    }

    /// The snapshots in the folder without an assertion.
    fn orphans(&self) -> Vec<String> {
        let files = fs::read_dir(self.path()).into_iter().flatten();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|file| {
                let name = file.strip_suffix(".snap");
                // insta manages `.snap.new`.
                !file.ends_with(".snap.new")
                    && name.is_none_or(|name| !self.asserted.contains(name))
            })
            .collect()
    }

    fn path(&self) -> PathBuf {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        root.join("tests/snapshots").join(self.folder)
    }

    /// Fails if a snapshot differed or has no assertion.
    pub fn finish(self) {
        let orphans = self.orphans();
        assert!(
            self.failed.is_empty(),
            "these snapshots in {} differ (see above): {:#?}",
            self.folder,
            self.failed
        );
        assert!(
            orphans.is_empty(),
            "no assertion uses these snapshots in {}; remove them: {orphans:#?}",
            self.folder
        );
    }
}
