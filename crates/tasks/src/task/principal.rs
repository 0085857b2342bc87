//! As whom a task runs.

/// An account or a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// What actions refer to.
    pub id: Option<String>,
    /// A SID, `DOMAIN\name` or a bare name: all occur.
    pub user: Option<String>,
    /// A group, in place of a user.
    pub group: Option<String>,
    /// How its session is made.
    pub logon: Option<LogonType>,
    /// `HighestAvailable`.
    pub elevated: bool,
}

/// How the account's session is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogonType {
    /// With a stored password.
    Password,
    /// Without a password; no access to the network.
    S4u,
    /// Only while the user is logged on.
    InteractiveToken,
    /// The user's session if there is one, else a stored password.
    InteractiveTokenOrPassword,
    /// Another word.
    Other(String),
}

impl LogonType {
    /// Reads the word of the schema.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "Password" => Self::Password,
            "S4U" => Self::S4u,
            "InteractiveToken" => Self::InteractiveToken,
            "InteractiveTokenOrPassword" => Self::InteractiveTokenOrPassword,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word of the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password => "Password",
            Self::S4u => "S4U",
            Self::InteractiveToken => "InteractiveToken",
            Self::InteractiveTokenOrPassword => "InteractiveTokenOrPassword",
            Self::Other(other) => other,
        }
    }
}

impl Principal {
    /// Whether `user` is a security identifier.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| user.starts_with("S-1-"))
    }

    /// SYSTEM, LOCAL SERVICE or NETWORK SERVICE: they have no password and the same SID everywhere.
    #[must_use]
    pub fn is_service(&self) -> bool {
        let name = self.user.as_deref().unwrap_or_default().to_ascii_uppercase();
        let name = name.strip_prefix("NT AUTHORITY\\").unwrap_or(&name);
        matches!(name, "S-1-5-18" | "S-1-5-19" | "S-1-5-20" | "SYSTEM" | "LOCAL SERVICE" | "NETWORK SERVICE")
    }

    /// A group managed service account: its name ends in `$`, and Windows keeps its password.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.user.as_deref().is_some_and(|user| user.ends_with('$'))
    }

    /// Whether a password must be given when the task is registered anew.
    #[must_use]
    pub fn needs_password(&self) -> bool {
        let stored = matches!(self.logon, Some(LogonType::Password | LogonType::InteractiveTokenOrPassword));
        stored && self.user.is_some() && !self.is_service() && !self.is_managed()
    }
}
