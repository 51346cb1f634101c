//! Simulated customers of the demo: they ask for help on the visitors' page, at random moments.
//!
//! * They use the public request that the page itself uses, and keep within its rate.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::scratch::Dice;

const PAUSE_MIN: Duration = Duration::from_secs(6);
const PAUSE_SPREAD_MS: u64 = 12_000;

const NAMES: [&str; 8] = [
    "Morgan Ellery",
    "Robin Castell",
    "Ada Whitlock",
    "Luis Ferrer",
    "Mina Sato",
    "Tom Hargreave",
    "Carla Nunes",
    "Jo Petersen",
];
const REQUESTS: [(&str, &str); 6] = [
    ("billing", "My last invoice shows the same item twice."),
    ("billing", "Can I change the date of my payment?"),
    ("technical", "The page stays empty after I sign in."),
    ("technical", "I cannot open the attachment you sent."),
    ("order", "Where is the parcel that was due on Monday?"),
    ("other", "I would like to move my appointment to next week."),
];

/// Starts asking; ends soon after `over` is set.
pub(crate) fn start(address: SocketAddr, over: Arc<AtomicBool>) -> JoinHandle<()> {
    println!("Simulated customers ask for help every few seconds.");
    std::thread::spawn(move || {
        let mut dice = Dice::new(u64::from(std::process::id()));
        while !over.load(Ordering::Relaxed) {
            let (topic, text) = dice.pick(&REQUESTS);
            let name = dice.pick(&NAMES);
            match ask(address, name, topic, text) {
                Ok(line) if line.contains(" 20") => println!("  {name} asks about {topic}"),
                Ok(line) => println!("  {name} was turned away: {line}"),
                Err(error) => println!("  {name} did not get through: {error}"),
            }
            let pause = PAUSE_MIN + Duration::from_millis(dice.below(PAUSE_SPREAD_MS));
            let next = Instant::now() + pause;
            while Instant::now() < next && !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    })
}

/// Sends one request as the page does, without credentials; the answer's first line.
fn ask(address: SocketAddr, name: &str, topic: &str, text: &str) -> std::io::Result<String> {
    let body = json!({"name": name, "topic": topic, "text": text}).to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "POST /chat/demo/requests HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
