//! A connection that is lost, and a session that goes on: resumption, in RSocket by the same name, in MQTT a persistent
//! session. What was published meanwhile comes after the return, once and in its order.

use deskconn_client::{Client, Options, Status, Value};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::{Failure, Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let speaker = join(router).await?;
    // A network between the listener and the router, which can be interrupted.
    let network = TcpListener::bind("127.0.0.1:0").await?;
    let target = format!("rs://{}", network.local_addr()?).parse()?;
    let (cut, mend) = (Notify::new(), Notify::new());
    let carrying = carry(&network, router, &cut, &mend);
    let listening = async {
        let listener = Client::builder(Options::new("realm1")).at(target).open().await?;
        let mut heard = listener.subscribe("com.example.said").await?;
        let session = listener.session().await?.id();
        cut.notify_one();
        let mut status = listener.status();
        status.wait_for(|status| !matches!(status, Status::Open(_))).await?;
        for word in ["this", "was", "said", "meanwhile"] {
            speaker.publish_acknowledged("com.example.said", Value::from(word)).await?;
        }
        mend.notify_one();
        let mut words = Vec::new();
        while words.len() < 4 {
            let event = heard.next().await.ok_or("the session has ended")?;
            words.push(event.args.into_value().as_str().unwrap_or("?").to_owned());
        }
        let is_same = listener.session().await?.id() == session;
        listener.close().await;
        let which = if is_same { "in the same session" } else { "in another session" };
        Ok::<_, Failure>(vec![words.join(" "), which.to_owned()])
    };
    tokio::select! {
        seen = listening => seen,
        error = carrying => Err(error.err().unwrap_or_else(|| "the network has ended".into())),
    }
}

/// Carries bytes until the network is cut, and again when it is mended.
async fn carry(network: &TcpListener, router: &str, cut: &Notify, mend: &Notify) -> Result<(), Failure> {
    let (mut near, _) = network.accept().await?;
    let mut far = TcpStream::connect(router).await?;
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = cut.notified() => {}
    }
    drop((near, far));
    mend.notified().await;
    loop {
        let (mut near, _) = network.accept().await?;
        let mut far = TcpStream::connect(router).await?;
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
