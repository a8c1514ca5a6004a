#![deny(unused_must_use)]

use mockwire::sync::MockTransport;

fn main() {
    let transport = MockTransport::new();
    transport.get("/").header("x", "1");
}
