package io.headroom.allocator;

/** Where segments come from: {@code cudaMalloc}, {@code cudaFree} and the virtual-memory calls. */
interface Driver {
    /** The address of a new segment, or −1 when out of memory. */
    long malloc(long bytes);

    void free(long address, long bytes);

    /** Address space for an expandable segment; takes no memory. */
    long reserve(long bytes);

    /** Puts memory behind a range, or says false when out of memory. */
    boolean map(long address, long bytes);

    void unmap(long address, long bytes);

    /** Bytes of the whole card, of which a memory fraction is a share. */
    long total();

    /** Gives until a limit is reached; addresses only grow, as in a process with room to spare. */
    final class Limited implements Driver {
        private static final long FIRST = 0x7f_0000_0000L;

        private final long limit;
        private final long total;
        private long used;
        private long next = FIRST;

        Limited(Capacity capacity) {
            limit = capacity.limit();
            total = capacity.total();
        }

        @Override
        public long malloc(long bytes) {
            if (bytes > limit - used) {
                return -1;
            }
            used += bytes;
            return reserve(bytes);
        }

        @Override
        public void free(long address, long bytes) {
            used -= bytes;
        }

        @Override
        public long reserve(long bytes) {
            long address = next;
            next += (bytes + Rounding.ROUND_LARGE - 1) / Rounding.ROUND_LARGE * Rounding.ROUND_LARGE;
            return address;
        }

        @Override
        public boolean map(long address, long bytes) {
            if (bytes > limit - used) {
                return false;
            }
            used += bytes;
            return true;
        }

        @Override
        public void unmap(long address, long bytes) {
            used -= bytes;
        }

        @Override
        public long total() {
            return total;
        }
    }
}
