//! Every way, by its name.

use deskconn_client::{Options, Session};

/// What goes wrong is shown.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What there was to see.
pub(crate) type Seen = Result<Vec<String>, Failure>;

macro_rules! ways {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Plays the ways that are named, or all.
        pub(crate) async fn run(router: &str, names: &[String]) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
            let mut all = Vec::new();
            $(
                if names.is_empty() || names.iter().any(|name| name == stringify!($name)) {
                    all.push((stringify!($name), $name::run(router).await?));
                }
            )*
            Ok(all)
        }
    };
}

ways! {
    request_response
    fire_and_forget
    request_stream
    channel
    cancel
    interrupted
    qos
    retained
    will
    wildcards
    shared
}

/// One more program at the router.
pub(crate) async fn join(router: &str) -> Result<Session, Failure> {
    let target = format!("ws://{router}/ws").parse()?;
    Ok(Session::connect(&target, Options::new("realm1")).await?)
}
