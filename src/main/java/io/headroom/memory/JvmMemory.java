package io.headroom.memory;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The JVM's own memory, in bytes, as its management beans report it.
 *
 * @param heapUsed Java objects, garbage not yet collected included
 * @param heapLive what the last full collection left of them; absent before the first
 * @param heapCommitted heap taken from the system, touched or not
 * @param heapMax {@code -Xmx}, with the serial and the parallel collector less the survivor space that stays empty
 * @param nonHeapUsed metaspace, compressed classes and compiled code in use
 * @param nonHeapCommitted the same, taken from the system
 * @param direct direct byte buffers; DJL makes CPU NDArrays from Java data over these
 * @param mapped files mapped by Java code
 * @param threads live Java threads
 */
public record JvmMemory(
        long heapUsed,
        OptionalLong heapLive,
        long heapCommitted,
        OptionalLong heapMax,
        long nonHeapUsed,
        long nonHeapCommitted,
        OptionalLong direct,
        OptionalLong mapped,
        int threads) {

    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();
    private static final List<BufferPoolMXBean> POOLS = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class);

    static JvmMemory now() {
        MemoryUsage heap = MEMORY.getHeapMemoryUsage();
        MemoryUsage other = MEMORY.getNonHeapMemoryUsage();
        return new JvmMemory(
                heap.getUsed(),
                HeapCollections.live(),
                heap.getCommitted(),
                heap.getMax() < 0 ? OptionalLong.empty() : OptionalLong.of(heap.getMax()),
                other.getUsed(),
                other.getCommitted(),
                pool("direct"),
                pool("mapped"),
                ManagementFactory.getThreadMXBean().getThreadCount());
    }

    /**
     * The heap as a limit of its own: it is met by Java objects, never by tensors, so it is none of {@link Reading#limits}. What
     * counts against it is what is live, as far as a full collection told; before the first, garbage counts too.
     */
    public Optional<Limit> limit() {
        return heapMax.isEmpty()
                ? Optional.empty()
                : Optional.of(new Limit(
                        Limit.Kind.HEAP,
                        heapMax.getAsLong(),
                        OptionalLong.of(Math.min(heapUsed, heapLive.orElse(heapUsed)))));
    }

    private static OptionalLong pool(String name) {
        return POOLS.stream()
                .filter(pool -> pool.getName().equals(name))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .filter(bytes -> bytes >= 0)
                .findFirst();
    }
}
