package io.headroom.diagnosis;

/** Why memory ran out; {@link #label} is the name in data and JSON, where three of them share another's. */
public enum Cause {
    OVERSIZED_REQUEST("oversized-request", "one request is larger than the memory could ever hold"),
    SHAPE_BUG("oversized-request", "a wrong shape asks for an impossible size"),
    CAPACITY("capacity", "the live tensors need more than there is"),
    FRAGMENTATION("fragmentation", "enough is free in total, but in holes too small for the request"),
    ACCUMULATION_LEAK("accumulation-leak", "memory is kept from step to step and adds up"),
    OTHER_PROCESS("other-process", "other processes hold the device's memory"),
    LIMIT("limit-fraction", "a limit set for this process was reached, not the memory's end"),
    HOST_RAM("host-ram", "the host's memory ran out"),
    JVM_HEAP("host-ram", "the JVM's own heap ran out"),
    UNKNOWN("unknown", "the message does not tell why");

    private final String label;
    private final String title;

    Cause(String label, String title) {
        this.label = label;
        this.title = title;
    }

    /** {@code "capacity"}, {@code "host-ram"}. */
    public String label() {
        return label;
    }

    /** The cause as half a sentence. */
    public String title() {
        return title;
    }
}
