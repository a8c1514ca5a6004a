use std::rc::Rc;

use mockwire::{Request, sync::MockTransport};

fn main() {
    let transport = MockTransport::new();
    let shared = Rc::new(1);
    transport
        .get("/")
        .reply_with(move |_: &Request| shared.to_string());
}
