package io.headroom.allocator;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Walks the tokens of an allocator configuration in PyTorch's order, failing with PyTorch's messages. */
final class ConfParser {
    private static final Pattern WHOLE = Pattern.compile("^[+-]?[0-9]+");
    private static final Pattern DECIMAL = Pattern.compile("^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?");
    private static final int LONGEST = 4096;

    private final String conf;
    private final List<String> tokens = new ArrayList<>();
    private int at;

    private long maxSplitSize = AllocatorSettings.UNSET;
    private long maxNonSplitRounding = 20 * Bytes.MIB;
    private double garbageCollectionThreshold;
    private final int[] divisions = new int[AllocatorSettings.INTERVALS];
    private boolean expandableSegments;
    private double memoryFraction = 1;
    private long largeSegmentSize = 20 * Bytes.MIB;

    ConfParser(String conf) {
        this.conf = conf.strip();
        if (conf.length() > LONGEST) {
            throw new IllegalArgumentException("allocator settings of " + conf.length() + " characters: more than "
                    + LONGEST + " are no settings");
        }
        StringBuilder word = new StringBuilder();
        for (char c : conf.toCharArray()) {
            if (",:[]".indexOf(c) >= 0) {
                flush(word);
                tokens.add(String.valueOf(c));
            } else if (!Character.isWhitespace(c)) {
                word.append(c);
            }
        }
        flush(word);
    }

    private void flush(StringBuilder word) {
        if (word.length() > 0) {
            tokens.add(word.toString());
            word.setLength(0);
        }
    }

    AllocatorSettings parse() {
        while (at < tokens.size()) {
            option(tokens.get(at++));
            if (at < tokens.size()) {
                expect(",");
            }
        }
        return new AllocatorSettings(
                conf,
                maxSplitSize,
                maxNonSplitRounding,
                garbageCollectionThreshold,
                Arrays.stream(divisions).boxed().collect(Collectors.toList()),
                expandableSegments,
                memoryFraction,
                largeSegmentSize);
    }

    private void option(String key) {
        switch (key) {
            case "max_split_size_mb" -> maxSplitSize = megabytes(key, "max_split_size");
            case "max_non_split_rounding_mb" -> maxNonSplitRounding = megabytes(key, "max_non_split_rounding");
            case "large_segment_size_mb" -> largeSegmentSize = largeSegment();
            case "garbage_collection_threshold" -> garbageCollectionThreshold = threshold();
            case "roundup_power2_divisions" -> divisions();
            case "expandable_segments" -> expandableSegments = flag(key);
            case "per_process_memory_fraction" -> memoryFraction = fraction();
            case "backend" -> backend();
            case "release_lock_on_cudamalloc",
                    "release_lock_on_hipmalloc",
                    "pinned_use_cuda_host_register",
                    "pinned_use_hip_host_register",
                    "pinned_use_background_threads",
                    "graph_capture_record_stream_reuse" -> flag(key);
            case "pinned_num_register_threads" -> threads();
            case "pinned_reserve_segment_size_mb", "roundup_bypass_threshold_mb" -> {
                expect(":");
                whole(value("Error, expecting " + key + " value"));
            }
            default -> throw wrong("Unrecognized CachingAllocator option: " + key);
        }
    }

    private long megabytes(String key, String name) {
        expect(":");
        long value = whole(value("Error, expecting " + name + " value"));
        if (value <= 20) {
            throw wrong("CachingAllocator option " + key + " too small, must be > 20");
        }
        return value * Bytes.MIB;
    }

    private long largeSegment() {
        expect(":");
        long value = whole(value("Error, expecting large_segment_size value"));
        if (value < 20) {
            throw wrong("CachingAllocator option large_segment_size_mb too small, must be >= 20");
        }
        return (value + 1) / 2 * 2 * Bytes.MIB;
    }

    private double threshold() {
        expect(":");
        double value = decimal(value("Error, expecting garbage_collection_threshold value"));
        if (!(value > 0)) {
            throw wrong("garbage_collect_threshold too small, set it 0.0~1.0");
        }
        if (!(value < 1)) {
            throw wrong("garbage_collect_threshold too big, set it 0.0~1.0");
        }
        return value;
    }

    private double fraction() {
        expect(":");
        double value = decimal(value("Error, expecting per_process_memory_fraction value"));
        if (!(value >= 0 && value <= 1)) {
            throw wrong("per_process_memory_fraction is invalid, set it in [0.0, 1.0]");
        }
        return value;
    }

    private boolean flag(String key) {
        expect(":");
        String text = at < tokens.size() ? tokens.get(at++) : "";
        if (!text.equals("True") && !text.equals("False")) {
            throw wrong("Expected a single True/False argument for " + key);
        }
        return text.equals("True");
    }

    private void backend() {
        expect(":");
        String text = value("Error parsing backend value");
        if (text.equals("cudaMallocAsync") || text.equals("hipMallocAsync")) {
            throw new IllegalArgumentException("backend:" + text
                    + " has no caching allocator to simulate: the driver keeps its own pool. Use backend:native.");
        }
        if (!text.equals("native")) {
            throw wrong("Unknown allocator backend, options are native and cudaMallocAsync");
        }
    }

    private void threads() {
        expect(":");
        long value = whole(value("Error, expecting pinned_num_register_threads value"));
        if (Long.bitCount(value) != 1) {
            throw wrong("Number of register threads has to be power of 2 ");
        }
        if (value > 128) {
            throw wrong("Number of register threads should be less than or equal to 128");
        }
    }

    private void divisions() {
        expect(":");
        if (!value("Error, expecting roundup_power2_divisions value").equals("[")) {
            long all = whole(tokens.get(at - 1));
            if (Long.bitCount(all) != 1) {
                throw wrong("For roundups, the divisons has to be power of 2 ");
            }
            Arrays.fill(divisions, (int) all);
            return;
        }
        boolean first = true;
        int last = -1;
        while (!peek().equals("]")) {
            String boundary = value("Error parsing roundup_power2_divisions value");
            expect(":");
            long value = whole(value("Error parsing roundup_power2_divisions value"));
            if (value != 0 && Long.bitCount(value) != 1) {
                throw wrong("For roundups, the divisons has to be power of 2 or 0 to disable roundup ");
            }
            if (boundary.equals(">")) {
                Arrays.fill(divisions, last + 1, divisions.length, (int) value);
            } else {
                last = interval(whole(boundary));
                Arrays.fill(divisions, first ? 0 : last, last + 1, (int) value);
                first = false;
            }
            if (!peek().equals("]")) {
                expect(",");
            }
        }
        at++;
    }

    private int interval(long boundary) {
        if (Long.bitCount(boundary) != 1 || boundary < 0) {
            throw wrong("For roundups, the intervals have to be power of 2 ");
        }
        return Math.min(63 - Long.numberOfLeadingZeros(boundary), divisions.length - 1);
    }

    private void expect(String token) {
        if (at >= tokens.size() || !tokens.get(at).equals(token)) {
            throw wrong("Error parsing CachingAllocator settings, expected " + token);
        }
        at++;
    }

    private String peek() {
        if (at >= tokens.size()) {
            throw wrong("Error parsing CachingAllocator settings, expected ]");
        }
        return tokens.get(at);
    }

    private String value(String missing) {
        if (at >= tokens.size()) {
            throw wrong(missing);
        }
        return tokens.get(at++);
    }

    /** As {@code stoi}: leading digits count, what follows them is ignored. */
    private long whole(String text) {
        Matcher matcher = WHOLE.matcher(text);
        if (!matcher.find()) {
            throw wrong("stoi: \"" + text + "\" is no whole number");
        }
        try {
            return Integer.parseInt(matcher.group());
        } catch (NumberFormatException e) {
            throw wrong("stoi: \"" + text + "\" is out of range");
        }
    }

    private double decimal(String text) {
        Matcher matcher = DECIMAL.matcher(text);
        if (!matcher.find()) {
            throw wrong("stod: \"" + text + "\" is no number");
        }
        return Double.parseDouble(matcher.group());
    }

    private IllegalArgumentException wrong(String message) {
        return new IllegalArgumentException(
                message + " (in \"" + (conf.length() <= 120 ? conf : conf.substring(0, 120) + "…") + "\")");
    }
}
