package io.headroom.trace;

import java.io.IOException;

/** A file is no PyTorch memory snapshot; the message says what it is or where it breaks. */
public final class SnapshotFormatException extends IOException {
    private static final long serialVersionUID = 1;

    SnapshotFormatException(String message) {
        super(message);
    }
}
