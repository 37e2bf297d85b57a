package io.headroom.workload.step;

/** The part of a step an allocation belongs to. */
public enum Phase {
    LOAD,
    FORWARD,
    BACKWARD,
    UPDATE;

    /** As a person reads it: {@code "optimizer step"}. */
    public String title() {
        return switch (this) {
            case LOAD -> "load";
            case FORWARD -> "forward";
            case BACKWARD -> "backward";
            case UPDATE -> "optimizer step";
        };
    }
}
