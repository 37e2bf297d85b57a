package io.headroom.memory;

import io.headroom.units.Bytes;
import java.util.OptionalLong;

/**
 * A limit on this process's memory: what it is, how much is taken of it, how much is left.
 *
 * @param kind where it comes from
 * @param bytes the limit
 * @param used what counts against it now; absent where that cannot be read
 */
public record Limit(Kind kind, long bytes, OptionalLong used) {

    /** Where a limit comes from. */
    public enum Kind {
        /** Set by {@link MemoryLimit}: libtorch fails with a message. */
        CAP("cap"),
        /** {@code ulimit -d}: libtorch fails with a message. */
        RLIMIT_DATA("ulimit -d"),
        /** {@code ulimit -v}: libtorch fails with a message. */
        RLIMIT_AS("ulimit -v"),
        /** The container's limit: the system kills the process without a message. */
        CGROUP("container"),
        /** The machine's memory: the system kills a process without a message. */
        PHYSICAL("machine"),
        /** A device's own memory, which all its processes share: the framework fails with a message. */
        DEVICE("device"),
        /** The Java heap's largest size, for Java objects alone: the JVM throws {@code OutOfMemoryError}. */
        HEAP("-Xmx");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /** Two words for a line of text. */
        public String label() {
            return label;
        }
    }

    /** What may still be taken, never below 0; absent where the use is. */
    public OptionalLong headroom() {
        return used.isPresent() ? OptionalLong.of(Math.max(0, bytes - used.getAsLong())) : OptionalLong.empty();
    }

    /** For a line of text: {@code "cap 9.07 GiB"}. */
    public String label() {
        return kind.label() + " " + Bytes.format(bytes);
    }
}
