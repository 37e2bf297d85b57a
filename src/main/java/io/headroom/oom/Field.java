package io.headroom.oom;

/** A size that a message may state; {@link #label} is its name in JSON. */
public enum Field {
    REQUESTED("requested_bytes"),
    TOTAL("total_bytes"),
    FREE("free_bytes"),
    ALLOCATED("allocated_bytes"),
    RESERVED("reserved_bytes"),
    RESERVED_UNALLOCATED("reserved_unallocated_bytes"),
    IN_USE("in_use_bytes"),
    OTHER_PROCESS("other_process_bytes"),
    MAX_ALLOWED("max_allowed_bytes"),
    MPS_ALLOCATED("mps_allocated_bytes"),
    MPS_OTHER("mps_other_bytes"),
    /** Free blocks in CUDA graphs' private pools, which {@link #ALLOCATED} counts as allocated. */
    PRIVATE_POOLS("private_pools_bytes");

    private final String label;

    Field(String label) {
        this.label = label;
    }

    /** {@code "requested_bytes"} and so on. */
    public String label() {
        return label;
    }
}
