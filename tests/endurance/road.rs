//! A road to the daemon that is cut now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::House;

/// A connection lasts this long, and then is cut whatever it carries.
const LASTS: Duration = Duration::from_millis(700);

/// The daemon's own port at another address of this machine, as a Host with another port would be refused.
pub(crate) async fn cut_now_and_then(house: &Arc<House>, address: &str) {
    let listener = TcpListener::bind((address, house.port)).await.unwrap();
    let house = Arc::clone(house);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let Ok(mut daemon) = TcpStream::connect(house.address()).await else {
                    return;
                };
                let carrying = copy_bidirectional(&mut client, &mut daemon);
                if house.over.is_cancelled() {
                    let _ = carrying.await;
                } else if tokio::time::timeout(LASTS, carrying).await.is_err() {
                    house.count("connections that were cut");
                }
            });
        }
    });
}
