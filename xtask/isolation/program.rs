//! A program that uses `reqwest` and `serde_json` for itself, with and without the library beside them. It prints what it
//! sees; `cargo xtask isolation` compares.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "with")]
    modelarts::http_client_builder()?.build()?;

    println!(
        "json! {}",
        serde_json::json!({"b": {"d": 1, "c": 2}, "a": 3})
    );
    println!("number {}", serde_json::from_str::<serde_json::Value>("1.0e1")?);

    // It panics when reqwest was given TLS without a provider.
    let client = std::panic::catch_unwind(reqwest::Client::new);
    println!(
        "Client::new() {}",
        if client.is_ok() { "works" } else { "panics" }
    );
    let Ok(client) = client else { return Ok(()) };

    // What a TLS library says of a server that does not speak TLS tells which one it is.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("https://{}", listener.local_addr()?);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut hello = [0; 16];
        stream.read(&mut hello)?;
        stream.write_all(b"this is no TLS at all\n")
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let error = runtime.block_on(client.get(url).send()).err();
    let mut cause = error.as_ref().map(|error| error as &dyn Error);
    while let Some(source) = cause.and_then(Error::source) {
        cause = Some(source);
    }
    println!(
        "https {}",
        cause.map(ToString::to_string).unwrap_or_default()
    );
    // Without TLS nobody connects, and nobody waits for the server.
    drop(server);
    Ok(())
}
