use std::rc::Rc;

use mockwire::{Request, sync::MockTransport};

fn main() {
    let transport = MockTransport::new();
    let shared = Rc::new("/path");
    transport
        .get("/")
        .matching(move |request: &Request| request.path() == *shared)
        .reply("never");
}
