//! A server on this machine that answers as it is told, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use modelarts::{Credentials, ManualClock, ModelArts, ModelArtsBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What the server does about a request.
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Writes these bytes as they are and closes the connection.
    Raw(Vec<u8>),
    /// Writes these bytes again and again, and tells after each time how often that was.
    Endless(Vec<u8>, Box<dyn Fn(usize) + Send + Sync>),
    /// Never answers.
    Silence,
}

pub fn json(status: u16, body: &str) -> Reply {
    Reply::Answer {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_owned(),
    }
}

pub fn with(reply: Reply, name: &'static str, value: &str) -> Reply {
    match reply {
        Reply::Answer {
            status,
            mut headers,
            body,
        } => {
            headers.push((name, value.to_owned()));
            Reply::Answer {
                status,
                headers,
                body,
            }
        }
        other => other,
    }
}

pub fn code(status: u16, code: &str) -> Reply {
    json(
        status,
        &format!(r#"{{"error_code": "{code}", "error_msg": "as told"}}"#),
    )
}

pub struct Server {
    pub url: String,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers every request by `answer`, which also gets the number of requests before it.
    pub async fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), answer.clone()));
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// A client of this server with a token, on a clock that skips over pauses.
    pub async fn client(&self, clock: &ManualClock) -> ModelArts {
        self.builder(clock)
            .credentials(Credentials::token("t0p-s3cret"))
            .build()
            .await
            .unwrap()
    }

    pub fn builder(&self, clock: &ManualClock) -> ModelArtsBuilder {
        ModelArts::builder()
            .endpoint(&self.url)
            .auth_url(format!("{}/v3", self.url))
            .project_id("p1")
            .clock(clock.clone())
            .rng_seed(1)
    }
}

pub async fn serve<S, F>(mut stream: S, seen: Arc<Mutex<Vec<Asked>>>, answer: Arc<F>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(&Asked, usize) -> Reply,
{
    while let Some(asked) = read(&mut stream).await {
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(asked.clone());
            seen.len() - 1
        };
        match answer(&asked, before) {
            Reply::Silence => std::future::pending().await,
            Reply::Raw(bytes) => {
                stream.write_all(&bytes).await.ok();
                return;
            }
            Reply::Endless(bytes, written) => {
                for times in 1.. {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                    written(times);
                }
            }
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    text.push_str(&format!("{name}: {value}\r\n"));
                }
                text.push_str("\r\n");
                text.push_str(&body);
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut asked = Asked {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        ..Asked::default()
    };
    for line in lines {
        let (name, value) = line.split_once(':')?;
        asked
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length: usize = asked
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = String::from_utf8(body).unwrap();
    Some(asked)
}
