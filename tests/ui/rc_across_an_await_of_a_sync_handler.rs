use std::rc::Rc;

use mockwire::{Request, sync::MockTransport};

fn main() {
    let transport = MockTransport::new();
    transport.get("/").reply_async(|_: Request| async {
        let shared = Rc::new(1);
        std::future::ready(()).await;
        shared.to_string()
    });
}
