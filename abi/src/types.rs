//! The numbers that mean something.

/// What a callback about headers or trailers answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    Continue,
    /// Wait: until `hostcalls::continue_request`, or for ever, because there was an answer.
    Pause,
}

impl Action {
    /// As the host wants it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Continue => 0,
            Self::Pause => 1,
        }
    }
}

/// A context, by the number that the host gave it: a root context is one plugin in one VM, every other is a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContextId(pub u32);

/// A call to another service, by the number that the host gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub u32);

/// A metric, by the number that the host gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricId(pub u32);

/// How loud a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `info`
    Info = 2,
    /// `error`
    Error = 4,
    /// `critical`
    Critical = 5,
}

/// Which bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferType {
    /// The message of a gRPC answer, in its callback.
    GrpcReceiveBuffer = 5,
    /// The plugin's configuration, in its callback.
    PluginConfiguration = 7,
}

/// Which lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// Of a request's headers.
    HttpRequestHeaders = 0,
    /// Of its trailers.
    HttpRequestTrailers = 1,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// Goes up.
    Counter = 0,
    /// Is set.
    Gauge = 1,
    /// Takes samples.
    Histogram = 2,
}

/// Why the host did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Status {
    /// It has no such thing.
    #[error("not found")]
    NotFound,
    /// Of what it was told.
    #[error("bad argument")]
    BadArgument,
    /// It can't read what it was told.
    #[error("can't be parsed")]
    ParseFailure,
    /// Somebody else wrote before.
    #[error("written by another")]
    CasMismatch,
    /// Any other, by its number.
    #[error("status {0}")]
    Other(u32),
    /// It answered with a buffer that it was not given.
    #[error("a buffer that was not made for it")]
    ForeignBuffer,
    /// It was to be given more bytes than there can be.
    #[error("too long")]
    TooLong,
}

impl Status {
    /// Reads what the host returned.
    ///
    /// # Errors
    /// Everything but its Ok.
    pub const fn check(code: u32) -> Result<(), Self> {
        match code {
            0 => Ok(()),
            1 => Err(Self::NotFound),
            2 => Err(Self::BadArgument),
            4 => Err(Self::ParseFailure),
            8 => Err(Self::CasMismatch),
            other => Err(Self::Other(other)),
        }
    }
}
