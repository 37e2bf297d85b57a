package io.headroom.memory;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The memory settings this process was started with: what a kernel profile sets, and what PyTorch and glibc read once.
 *
 * <p>These are read from the process's environment by native code; {@code System.setProperty} does not change them.
 *
 * <pre>{@code
 * EngineEnvironment.now().profile();    // "headroom-malloc", or "default"
 * EngineEnvironment.now().settings();   // {MALLOC_ARENA_MAX=2, …}
 * }</pre>
 *
 * @param profile the kernel profile's name, {@code "default"} where nothing is set, {@code "custom"} where settings are
 *     but no profile names them
 * @param settings the variables that are set
 */
public record EngineEnvironment(String profile, Map<String, String> settings) {
    /** Set by a kernelspec to its own name. */
    public static final String PROFILE = "HEADROOM_PROFILE";

    private static final List<String> READ = List.of(
            "PYTORCH_CUDA_ALLOC_CONF",
            "PYTORCH_ALLOC_CONF",
            "PYTORCH_HIP_ALLOC_CONF",
            "PYTORCH_NO_CUDA_MEMORY_CACHING",
            "PYTORCH_MPS_HIGH_WATERMARK_RATIO",
            "PYTORCH_MPS_LOW_WATERMARK_RATIO",
            "PYTORCH_ENABLE_MPS_FALLBACK",
            "MALLOC_ARENA_MAX",
            "MALLOC_MMAP_THRESHOLD_",
            "MALLOC_TRIM_THRESHOLD_",
            "GLIBC_TUNABLES",
            "MALLOC_CONF",
            "LD_PRELOAD",
            "THP_MEM_ALLOC_ENABLE",
            "LRU_CACHE_CAPACITY",
            "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
            "OMP_NUM_THREADS");
    private static final List<String> NO_PROFILE = List.of("OMP_NUM_THREADS", "LD_PRELOAD");

    public EngineEnvironment {
        settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    }

    /** The settings of this process. */
    public static EngineEnvironment now() {
        return of(System::getenv);
    }

    static EngineEnvironment of(Function<String, String> environment) {
        Map<String, String> settings = new TreeMap<>();
        for (String name : READ) {
            String value = environment.apply(name);
            if (value != null && !value.isEmpty()) {
                settings.put(name, value);
            }
        }
        String named = environment.apply(PROFILE);
        boolean plain = NO_PROFILE.containsAll(settings.keySet());
        return new EngineEnvironment(
                named != null && !named.isBlank() ? Stage.name(named) : plain ? "default" : "custom", settings);
    }

    /** Whether glibc gives every block of 64 KiB or so straight back when it is freed, so that peaks repeat. */
    public boolean returnsFreedMemory() {
        return settings.containsKey("MALLOC_MMAP_THRESHOLD_")
                || settings.getOrDefault("GLIBC_TUNABLES", "").contains("mmap_threshold");
    }

    /** {@code profile headroom-malloc: MALLOC_ARENA_MAX=2 …}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("profile ").append(profile);
        settings.forEach((name, value) -> text.append(text.indexOf(":") < 0 ? ": " : " ")
                .append(name)
                .append('=')
                .append(value));
        return text.toString();
    }
}
