package io.headroom.kernel;

import java.util.Objects;

/**
 * A cell that failed.
 *
 * @param code the statement of the cell that threw, as the user typed it
 * @param failure what it threw
 */
public record FailedCell(String code, Failure failure) {
    public FailedCell {
        Objects.requireNonNull(code, "code");
        Objects.requireNonNull(failure, "failure");
    }
}
