package io.headroom.workload.step;

/** What no class tells of a block: the cause of the refusal of a step that can be measured but not read. */
public final class UnknownBlock extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final String reason;

    UnknownBlock(String reason) {
        super(reason + ", so the step cannot be estimated.");
        this.reason = reason;
    }

    /** Which block it is, where, and why it is not read: {@code "MyBlock at 02MyBlock has code of its own"}. */
    public String reason() {
        return reason;
    }
}
