//! A browser that shows nothing.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use url::Url;

use crate::backends::opener::Opener;
use crate::backends::{Failure, Missing};

/// Remembers what it was told to open.
#[derive(Debug, Default)]
pub struct FakeOpener {
    opened: Mutex<Vec<String>>,
}

impl FakeOpener {
    /// The addresses so far.
    pub fn opened(&self) -> Vec<String> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Opener for FakeOpener {
    fn open(&self, address: Url) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.push(address.to_string());
            Ok(())
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { None }.boxed()
    }
}
