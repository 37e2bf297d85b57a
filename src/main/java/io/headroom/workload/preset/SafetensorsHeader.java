package io.headroom.workload.preset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.units.Bytes;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a {@code .safetensors} file, from its header alone.
 *
 * <pre>{@code
 * SafetensorsHeader header = SafetensorsHeader.read(Path.of("model.safetensors"));
 * header.parameters();   // 124439808
 * header.bytes();        // what loading takes in the stored types
 * }</pre>
 *
 * <p>Only the header is read (at most 100 MB, as the format says), nothing is executed. Every size, type and offset is
 * checked against the file. Immutable. Source: the format's README, github.com/huggingface/safetensors.
 */
public record SafetensorsHeader(List<Entry> tensors) {
    private static final int LENGTH_BYTES = 8;
    private static final long LARGEST = 100_000_000;
    private static final int BITS = 8;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, Integer> BITS_OF = Map.ofEntries(
            Map.entry("BOOL", 8),
            Map.entry("U8", 8),
            Map.entry("I8", 8),
            Map.entry("F8_E4M3", 8),
            Map.entry("F8_E5M2", 8),
            Map.entry("I16", 16),
            Map.entry("U16", 16),
            Map.entry("F16", 16),
            Map.entry("BF16", 16),
            Map.entry("I32", 32),
            Map.entry("U32", 32),
            Map.entry("F32", 32),
            Map.entry("I64", 64),
            Map.entry("U64", 64),
            Map.entry("F64", 64));

    /** One tensor: its name, type as written ({@code BF16}), shape and bytes. */
    public record Entry(String name, String type, List<Long> shape, long bytes) {
        /** How many values it holds. */
        public long count() {
            return Bytes.times(shape.stream().mapToLong(Long::longValue).toArray());
        }
    }

    public SafetensorsHeader {
        tensors = List.copyOf(tensors);
    }

    /** How many values all tensors hold. */
    public long parameters() {
        return tensors.stream().mapToLong(Entry::count).reduce(0, Bytes::plus);
    }

    /** Bytes of all tensors. */
    public long bytes() {
        return tensors.stream().mapToLong(Entry::bytes).reduce(0, Bytes::plus);
    }

    /**
     * Reads the header of a file.
     *
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is cut short or its header does not hold together; the message says where
     */
    public static SafetensorsHeader read(Path file) throws IOException {
        long size = Files.size(file);
        try (InputStream in = Files.newInputStream(file)) {
            byte[] prefix = in.readNBytes(LENGTH_BYTES);
            if (prefix.length < LENGTH_BYTES) {
                throw broken(file, "it has " + size + " bytes and no header");
            }
            long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (length < 2 || length > LARGEST) {
                throw broken(
                        file,
                        "its header claims " + Long.toUnsignedString(length) + " bytes (at most " + LARGEST + ")");
            }
            if (length > size - LENGTH_BYTES) {
                throw broken(
                        file,
                        "its header claims " + length + " bytes but the file ends after " + (size - LENGTH_BYTES));
            }
            byte[] text = in.readNBytes((int) length);
            return parse(file, JSON.readTree(text), size - LENGTH_BYTES - length);
        } catch (JsonProcessingException e) {
            throw broken(file, "its header is no JSON: " + e.getOriginalMessage());
        } catch (EOFException e) {
            throw broken(file, "it ends within its header");
        }
    }

    private static SafetensorsHeader parse(Path file, JsonNode header, long data) {
        if (header == null || !header.isObject()) {
            throw broken(file, "its header is no JSON object");
        }
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (!field.getKey().equals("__metadata__")) {
                entries.add(entry(file, shown(field.getKey()), field.getValue(), data));
            }
        }
        return new SafetensorsHeader(entries);
    }

    private static Entry entry(Path file, String name, JsonNode node, long data) {
        String type = node.path("dtype").asText("");
        Integer bits = BITS_OF.get(type);
        JsonNode offsets = node.path("data_offsets");
        if (bits == null || !node.path("shape").isArray() || offsets.size() != 2) {
            throw broken(file, "tensor \"" + name + "\" has no known dtype, shape and data_offsets");
        }
        List<Long> shape = new ArrayList<>();
        for (JsonNode dimension : node.path("shape")) {
            if (!dimension.canConvertToLong() || !dimension.isIntegralNumber() || dimension.asLong() < 0) {
                throw broken(file, "tensor \"" + name + "\" has the dimension " + dimension);
            }
            shape.add(dimension.asLong());
        }
        long from = offsets.get(0).asLong(-1);
        long to = offsets.get(1).asLong(-1);
        if (from < 0 || to < from || to > data) {
            throw broken(file, "tensor \"" + name + "\" lies at " + from + " to " + to + " of " + data + " bytes");
        }
        Entry entry = new Entry(name, type, List.copyOf(shape), to - from);
        long wanted;
        try {
            wanted = Bytes.times(entry.count(), bits / BITS);
        } catch (ArithmeticException e) {
            throw broken(file, "tensor \"" + name + "\" has the shape " + shape);
        }
        if (wanted != entry.bytes()) {
            throw broken(file, "tensor \"" + name + "\" needs " + wanted + " bytes and has " + entry.bytes());
        }
        return entry;
    }

    private static String shown(String name) {
        return name.length() > 80 ? name.substring(0, 80) + "…" : name;
    }

    private static IllegalArgumentException broken(Path file, String why) {
        return new IllegalArgumentException(file.getFileName() + " is no whole safetensors file: " + why + ".");
    }
}
