//! Captured bodies, kept small (zlib, RFC 1950).

use bytes::Bytes;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// Fast rather than small: it runs once for each large request.
const LEVEL: u8 = 1;

pub(crate) fn pack(body: &[u8]) -> Bytes {
    compress_to_vec_zlib(body, LEVEL).into()
}

/// The inverse of [`pack`], for a body that had this length.
pub(crate) fn unpack(packed: &[u8], len: usize) -> Bytes {
    let unpacked = decompress_to_vec_zlib_with_limit(packed, len);
    unpacked
        .unwrap_or_else(|_| unreachable!("packed by `pack`"))
        .into()
}
