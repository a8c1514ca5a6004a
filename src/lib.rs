//! A mock transport for tests: it stands where the network would, and answers.
