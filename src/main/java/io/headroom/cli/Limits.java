package io.headroom.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/** The limits in force on this process, for the report. */
final class Limits {
    private Limits() {}

    static Map<String, Object> report() {
        Map<String, Object> limits = new LinkedHashMap<>();
        limits.put("java_heap_max_bytes", Runtime.getRuntime().maxMemory());
        return limits;
    }
}
