//! Snapshots in a folder of their own, none missing and none left over.

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
    /// Those in `tests/snapshots/<folder>`.
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

    /// The snapshots of the folder for which there is no assertion.
    fn orphans(&self) -> Vec<String> {
        let files = fs::read_dir(self.path()).into_iter().flatten();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|file| {
                let name = file.strip_suffix(".snap");
                // `.snap.new` is insta's own business.
                !file.ends_with(".snap.new")
                    && name.is_none_or(|name| !self.asserted.contains(name))
            })
            .collect()
    }

    fn path(&self) -> PathBuf {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        root.join("tests/snapshots").join(self.folder)
    }

    /// Fails when a snapshot differed, or when one is left over.
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
            "nothing belongs to these snapshots in {} any more, remove them: {orphans:#?}",
            self.folder
        );
    }
}
