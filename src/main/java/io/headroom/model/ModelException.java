package io.headroom.model;

/**
 * A model could not be loaded or run; one paragraph names the value at fault and what to do. Nothing that was loaded
 * before is lost.
 */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ModelException(String message) {
        super(message);
    }

    ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
