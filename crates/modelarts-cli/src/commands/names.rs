//! Arguments that name an existing resource.

use std::fmt;

use clap::Args;

use crate::complete::names_of;
use crate::failure::Failure;
use crate::noun::{IMAGE, INSTANCE, NOTEBOOK};
use crate::session::Session;
use crate::text;

/// Defines the argument for a kind of resource.
macro_rules! name_argument {
    ($(#[$doc:meta])* $type:ident, $noun:ident, $id:literal, $help:literal) => {
        $(#[$doc])*
        #[derive(Args, Clone, Debug)]
        pub(crate) struct $type {
            #[arg(id = $id, value_name = "NAME|ID", help = $help, add = names_of(&$noun))]
            name: String,
        }

        impl $type {
            /// Returns the ID of the resource.
            pub(super) async fn resolve(&self, session: &Session) -> Result<String, Failure> {
                session.resolve(&$noun, &self.name).await
            }

            /// Returns the name as given: a name, an ID or `@last`.
            pub(super) fn as_entered(&self) -> &str {
                &self.name
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&text::one_line(&self.name))
            }
        }
    };
}

name_argument!(
    /// The argument that names a notebook.
    NotebookName,
    NOTEBOOK,
    "notebook",
    "Name or ID of the notebook, or @last for the one created last"
);

name_argument!(
    /// The argument that names an instance.
    InstanceName,
    INSTANCE,
    "instance",
    "Name or ID of the instance, or @last for the one created last"
);

name_argument!(
    /// The argument that names an image.
    ImageName,
    IMAGE,
    "image",
    "Name or ID of the image, or @last for the one created last"
);
