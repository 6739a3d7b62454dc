//! Whether an emulator responds.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use modelarts::{Clock as _, SystemClock};

use crate::output::line;

/// The interval for polling a state that is not reported in any other way.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The maximum time that a healthy emulator takes to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Polls until the emulator is healthy, or the timeout expires.
pub(crate) async fn check_within(host: IpAddr, port: u16, wait: Duration) -> anyhow::Result<()> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| anyhow!("{host}:{port} is not an address"))?;
    let place = format!("the emulator at http://{address}");
    let deadline = SystemClock.elapsed().saturating_add(wait);
    let outcome = loop {
        let outcome = check(&address, &place);
        if outcome.is_ok() || SystemClock.elapsed() >= deadline {
            break outcome;
        }
        SystemClock.sleep(POLL_INTERVAL).await;
    };
    outcome?;
    line(&format!("{place} is healthy"))?;
    Ok(())
}

/// Whether an emulator responds at this address.
pub(crate) fn is_healthy(address: &SocketAddr) -> bool {
    check(address, "the emulator").is_ok()
}

fn check(address: &SocketAddr, place: &str) -> anyhow::Result<()> {
    let response = request(address).with_context(|| format!("checking {place}"))?;
    let status = response.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        bail!("{place} responded with `{status}`");
    }
    Ok(())
}

fn request(address: &SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /_emulator/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = Vec::new();
    // Status and headers are enough, so the response may be cut off.
    stream.take(64 * 1024).read_to_end(&mut response)?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}
