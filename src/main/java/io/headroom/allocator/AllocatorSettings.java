package io.headroom.allocator;

import io.headroom.units.Bytes;
import java.util.Collections;
import java.util.List;

/**
 * What {@code PYTORCH_CUDA_ALLOC_CONF} says, parsed as PyTorch parses it.
 *
 * <p>Options without influence on memory (pinned memory, locks) are checked and then ignored. {@code
 * per_process_memory_fraction} (2.10 on) also stands for {@code torch.cuda.set_per_process_memory_fraction} of earlier
 * versions, without which {@code garbage_collection_threshold} does nothing. The list form of {@code
 * roundup_power2_divisions} is read as by 2.10 and newer; before, {@code >} also overwrote the last named interval.
 *
 * <pre>{@code
 * AllocatorSettings.parse("expandable_segments:True");
 * AllocatorSettings.parse("max_split_size_mb:128,garbage_collection_threshold:0.8");
 * AllocatorSettings.parse("max_split_size_mb:5");   // "… too small, must be > 20", as PyTorch says
 * }</pre>
 *
 * <p>Immutable. Source: {@code c10/cuda/CUDAAllocatorConfig.cpp}, 2.7, and {@code c10/core/AllocatorConfig.cpp}, 2.11.
 *
 * @param conf the text it was read from, empty for the default
 * @param maxSplitSize blocks of at least this many bytes are never split; {@link Long#MAX_VALUE} if unset
 * @param maxNonSplitRounding how much larger than asked an unsplit block may be, in bytes
 * @param garbageCollectionThreshold share of the allowed memory above which cached blocks are reclaimed; 0 = never
 * @param roundupPower2Divisions sixteen divisions, for sizes of 1 MiB, 2 MiB … 32 GiB; 0 or 1 = off
 * @param expandableSegments whether segments grow by mapping pages
 * @param memoryFraction share of the device this process may use; 1 = no cap
 * @param largeSegmentSize bytes of a segment for requests of 1 to 10 MiB (20 MiB before 2.11)
 */
public record AllocatorSettings(
        String conf,
        long maxSplitSize,
        long maxNonSplitRounding,
        double garbageCollectionThreshold,
        List<Integer> roundupPower2Divisions,
        boolean expandableSegments,
        double memoryFraction,
        long largeSegmentSize) {
    /** {@code maxSplitSize} where none is set. */
    public static final long UNSET = Long.MAX_VALUE;

    /** How many intervals {@code roundup_power2_divisions} knows. */
    public static final int INTERVALS = 16;

    private static final List<Integer> NO_DIVISIONS = Collections.nCopies(INTERVALS, 0);

    public AllocatorSettings {
        roundupPower2Divisions = List.copyOf(roundupPower2Divisions);
        if (roundupPower2Divisions.size() != INTERVALS) {
            throw new IllegalArgumentException(
                    "roundupPower2Divisions has " + roundupPower2Divisions.size() + " entries, must have " + INTERVALS);
        }
    }

    /** PyTorch without {@code PYTORCH_CUDA_ALLOC_CONF}. */
    public static AllocatorSettings defaults() {
        return new AllocatorSettings("", UNSET, 20 * Bytes.MIB, 0, NO_DIVISIONS, false, 1, 20 * Bytes.MIB);
    }

    /**
     * Reads {@code key:value,key:[a:b,>:c]}; blanks are ignored, booleans are {@code True} and {@code False}.
     *
     * @throws IllegalArgumentException in PyTorch's own words for an unknown or malformed option
     */
    public static AllocatorSettings parse(String conf) {
        return new ConfParser(conf == null ? "" : conf).parse();
    }

    /** These settings under a cap on the process: a share of the device above 0 and at most 1. */
    public AllocatorSettings withMemoryFraction(double fraction) {
        if (!(fraction > 0 && fraction <= 1)) {
            throw new IllegalArgumentException("memory fraction " + fraction + " must be above 0 and at most 1");
        }
        return new AllocatorSettings(
                conf,
                maxSplitSize,
                maxNonSplitRounding,
                garbageCollectionThreshold,
                roundupPower2Divisions,
                expandableSegments,
                fraction,
                largeSegmentSize);
    }

    /** Whether nothing differs from PyTorch's defaults. */
    public boolean isDefault() {
        return sameEffect(defaults());
    }

    /** Whether the two make an allocator behave alike, however they are written. */
    public boolean sameEffect(AllocatorSettings other) {
        return named("").equals(other.named(""));
    }

    AllocatorSettings named(String text) {
        return new AllocatorSettings(
                text,
                maxSplitSize,
                maxNonSplitRounding,
                garbageCollectionThreshold,
                roundupPower2Divisions,
                expandableSegments,
                memoryFraction,
                largeSegmentSize);
    }

    /** The text for {@code PYTORCH_CUDA_ALLOC_CONF}, "(default)" if there is none. */
    @Override
    public String toString() {
        return conf.isEmpty() ? "(default)" : conf;
    }
}
