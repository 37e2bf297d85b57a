package io.headroom.memory;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.util.List;
import java.util.OptionalLong;

/**
 * The JVM's own memory, in bytes, as its management beans report it.
 *
 * @param heapUsed Java objects, garbage not yet collected included
 * @param heapCommitted heap taken from the system, touched or not
 * @param heapMax {@code -Xmx}
 * @param nonHeapUsed metaspace, compressed classes and compiled code in use
 * @param nonHeapCommitted the same, taken from the system
 * @param direct direct byte buffers; DJL makes CPU NDArrays from Java data over these
 * @param mapped files mapped by Java code
 * @param threads live Java threads
 */
public record JvmMemory(
        long heapUsed,
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
                heap.getCommitted(),
                heap.getMax() < 0 ? OptionalLong.empty() : OptionalLong.of(heap.getMax()),
                other.getUsed(),
                other.getCommitted(),
                pool("direct"),
                pool("mapped"),
                ManagementFactory.getThreadMXBean().getThreadCount());
    }

    private static OptionalLong pool(String name) {
        return POOLS.stream()
                .filter(pool -> pool.getName().equals(name))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .filter(bytes -> bytes >= 0)
                .findFirst();
    }
}
