//! What several types have in common.

/// Serialises what is displayed, and parses it back.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// An enum whose values have names; some only with a feature.
macro_rules! named {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[doc = $doc:literal])* $variant:ident = $text:literal $(if $feature:literal)?,)+
    }) => {
        $(#[$meta])*
        pub enum $name {
            $($(#[doc = $doc])* $(#[cfg(feature = $feature)])? $variant,)+
        }

        impl $name {
            /// All, in order.
            pub const ALL: &[Self] = &[$($(#[cfg(feature = $feature)])? Self::$variant,)+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant => $text,)+
                }
            }

            pub(crate) fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

pub(crate) use {named, serde_as_text};
