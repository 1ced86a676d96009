//! Host noise has the same bits everywhere; the browser's test is `tests/web/ops.test.mjs`.

use onelaunch_tests::noise::{BITS, bits};

#[test]
fn streams_keep_their_bits() {
    assert_eq!(bits(), BITS);
}
