package io.headroom.model;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.OptionalLong;

/** The JVM's limit on direct buffers: {@code -XX:MaxDirectMemorySize}, or the heap's if that is not given. */
final class DirectBuffers {
    private DirectBuffers() {}

    static OptionalLong most() {
        try {
            HotSpotDiagnosticMXBean options = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
            long given =
                    Long.parseLong(options.getVMOption("MaxDirectMemorySize").getValue());
            return OptionalLong.of(given > 0 ? given : Runtime.getRuntime().maxMemory());
        } catch (RuntimeException | LinkageError e) {
            return OptionalLong.empty();
        }
    }
}
