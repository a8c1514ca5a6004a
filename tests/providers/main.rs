//! What the modules of providers write, compared with recordings, with what a client puts together, and
//! with itself in other forms.
#![cfg(not(target_arch = "wasm32"))]

mod aimock;
mod alike;
mod anthropic;
mod gemini;
mod grammar;
mod openai_chat;
mod openai_responses;
mod support;
