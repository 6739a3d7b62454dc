//! The argument type of builders for optional fields.

use std::fmt;

/// A value for an optional field of a builder: anything that converts into a `T`, or an `Option` of it.
///
/// `M` distinguishes the two cases; it is always inferred. This trait is sealed.
///
/// ```
/// use modelarts_client::devenviron::types::{CreateImageRequest, CreateNotebookRequest, VolumeReq};
///
/// let description: Option<&str> = None;
/// let image = CreateImageRequest::builder()
///     .name("bert")
///     .tag(String::from("1.0.0"))
///     .description(description)
///     .build()?;
/// assert_eq!((image.tag.as_deref(), image.description), (Some("1.0.0"), None));
///
/// // A number that is out of range makes the whole request fail.
/// let volume = VolumeReq::builder().category("EVS").ownership("MANAGED").capacity(5_000_000_000_u64);
/// assert!(volume.build().is_err());
/// # Ok::<(), modelarts_client::RequestError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an optional `{T}`",
    label = "neither this nor the value in it converts into `{T}`"
)]
pub trait IntoOptional<T, M>: sealed::Sealed<T, M> {
    /// The error of a failed conversion.
    type Error: fmt::Display;

    /// Converts the value, if there is one.
    ///
    /// # Errors
    /// When the value does not convert into a `T`.
    fn into_optional(self) -> Result<Option<T>, Self::Error>;
}

mod sealed {
    use std::fmt;

    /// Marks a plain value.
    #[derive(Debug)]
    pub enum Value {}

    /// Marks an `Option` of a value.
    #[derive(Debug)]
    pub enum Optional {}

    pub trait Sealed<T, M> {}

    impl<T, V> Sealed<T, Value> for V where V: TryInto<T, Error: fmt::Display> {}

    impl<T, V> Sealed<T, Optional> for Option<V> where V: TryInto<T, Error: fmt::Display> {}
}

impl<T, V> IntoOptional<T, sealed::Value> for V
where
    V: TryInto<T, Error: fmt::Display>,
{
    type Error = V::Error;

    fn into_optional(self) -> Result<Option<T>, V::Error> {
        self.try_into().map(Some)
    }
}

impl<T, V> IntoOptional<T, sealed::Optional> for Option<V>
where
    V: TryInto<T, Error: fmt::Display>,
{
    type Error = V::Error;

    fn into_optional(self) -> Result<Option<T>, V::Error> {
        self.map(V::try_into).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Open, Secret};

    fn take<T, M>(value: impl IntoOptional<T, M>) -> Option<T> {
        value.into_optional().ok().flatten()
    }

    #[test]
    fn the_natural_value_is_taken_for_every_kind_of_field() {
        let text = || Some("a".to_owned());
        assert_eq!(take::<String, _>("a"), text());
        assert_eq!(take::<String, _>(&"a".to_owned()), text());
        assert_eq!(take::<String, _>('a'), text());
        assert_eq!(take::<String, _>(Some("a")), text());
        assert_eq!(take::<String, _>(text()), text());
        assert_eq!(take::<String, _>(None::<&str>), None);
        assert_eq!(take::<Secret, _>("a"), Some(Secret::from("a")));
        assert_eq!(take::<i32, _>(5), Some(5));
        assert_eq!(take::<i32, _>(5_u64), Some(5));
        assert_eq!(take::<i32, _>(u64::MAX), None);
        assert_eq!(take::<bool, _>(true), Some(true));
        assert_eq!(take::<Vec<String>, _>(Vec::new()), Some(Vec::new()));
        #[cfg(feature = "devenviron")]
        {
            use crate::devenviron::enums::VolumeCategory;
            use crate::devenviron::types::VolumeReq;

            let evs = || Some(Open::from(VolumeCategory::Evs));
            assert_eq!(take::<Open<VolumeCategory>, _>("evs"), evs());
            assert_eq!(take::<Open<VolumeCategory>, _>(VolumeCategory::Evs), evs());
            assert_eq!(take::<Open<VolumeCategory>, _>(Some("EVS")), evs());
            let volume = VolumeReq::builder().category("EVS").ownership("MANAGED");
            assert!(take::<VolumeReq, _>(volume).is_some());
        }
    }
}
