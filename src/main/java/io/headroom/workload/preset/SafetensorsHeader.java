package io.headroom.workload.preset;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.headroom.units.Bytes;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
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
 * checked against the file: tensors follow each other without holes or overlaps, as the format asks. Immutable. Source: the format's README, github.com/huggingface/safetensors.
 */
public record SafetensorsHeader(List<Entry> tensors) {
    private static final int LENGTH_BYTES = 8;
    private static final long LARGEST = 100_000_000;
    private static final int BITS = 8;
    private static final int MOST_TENSORS = 500_000;
    private static final int MOST_DIMENSIONS = 64;
    private static final JsonFactory JSON = new JsonFactory().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
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
            try (JsonParser header = JSON.createParser(new Limited(in, length))) {
                return parse(file, header, size - LENGTH_BYTES - length);
            }
        } catch (JsonProcessingException e) {
            throw broken(file, "its header is no JSON: " + e.getOriginalMessage());
        } catch (EOFException e) {
            throw broken(file, "it ends within its header");
        }
    }

    /** Reads token by token: what a hostile header claims is never held, only what was checked. */
    private static SafetensorsHeader parse(Path file, JsonParser header, long data) throws IOException {
        if (header.nextToken() != JsonToken.START_OBJECT) {
            throw broken(file, "its header is no JSON object");
        }
        List<Placed> placed = new ArrayList<>();
        while (header.nextToken() == JsonToken.FIELD_NAME) {
            String name = header.currentName();
            header.nextToken();
            if (name.equals("__metadata__")) {
                header.skipChildren();
            } else {
                placed.add(tensor(file, shown(name), header));
            }
            if (placed.size() > MOST_TENSORS) {
                throw broken(file, "it lists more than " + MOST_TENSORS + " tensors");
            }
        }
        if (header.currentToken() != JsonToken.END_OBJECT) {
            throw broken(file, "its header ends within an object");
        }
        contiguous(file, placed, data);
        return new SafetensorsHeader(placed.stream().map(Placed::entry).toList());
    }

    /** A tensor and where it begins. */
    private record Placed(Entry entry, long from) {}

    private static Placed tensor(Path file, String name, JsonParser header) throws IOException {
        if (header.currentToken() != JsonToken.START_OBJECT) {
            throw broken(file, "tensor \"" + name + "\" has no dtype, shape and data_offsets");
        }
        String type = "";
        List<Long> shape = null;
        List<Long> offsets = null;
        while (header.nextToken() == JsonToken.FIELD_NAME) {
            String key = header.currentName();
            header.nextToken();
            switch (key) {
                case "dtype" -> type = header.getValueAsString("");
                case "shape" -> shape = numbers(file, name, key, header);
                case "data_offsets" -> offsets = numbers(file, name, key, header);
                default -> header.skipChildren();
            }
        }
        Integer bits = BITS_OF.get(type);
        if (bits == null || shape == null || offsets == null || offsets.size() != 2) {
            throw broken(file, "tensor \"" + name + "\" has no known dtype, shape and data_offsets");
        }
        if (offsets.get(1) < offsets.get(0)) {
            throw broken(file, "tensor \"" + name + "\" lies at " + offsets.get(0) + " to " + offsets.get(1));
        }
        Entry entry = new Entry(name, type, shape, offsets.get(1) - offsets.get(0));
        long wanted;
        try {
            wanted = Bytes.times(entry.count(), bits / BITS);
        } catch (ArithmeticException e) {
            throw broken(file, "tensor \"" + name + "\" has the shape " + shape);
        }
        if (wanted != entry.bytes()) {
            throw broken(file, "tensor \"" + name + "\" needs " + wanted + " bytes and has " + entry.bytes());
        }
        return new Placed(entry, offsets.get(0));
    }

    private static List<Long> numbers(Path file, String name, String key, JsonParser header) throws IOException {
        List<Long> numbers = new ArrayList<>();
        if (header.currentToken() != JsonToken.START_ARRAY) {
            throw broken(file, "tensor \"" + name + "\" has no list as " + key);
        }
        while (header.nextToken() != JsonToken.END_ARRAY) {
            if (header.currentToken() != JsonToken.VALUE_NUMBER_INT
                    || header.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                    || header.getLongValue() < 0) {
                throw broken(file, "tensor \"" + name + "\" has " + shown(header.getText()) + " in its " + key);
            }
            if (numbers.size() == MOST_DIMENSIONS) {
                throw broken(
                        file, "tensor \"" + name + "\" has more than " + MOST_DIMENSIONS + " numbers in its " + key);
            }
            numbers.add(header.getLongValue());
        }
        return List.copyOf(numbers);
    }

    /** The format forbids holes and overlaps: tensors follow each other and fill the file. */
    private static void contiguous(Path file, List<Placed> placed, long data) {
        long end = 0;
        List<Placed> sorted = placed.stream()
                .sorted(Comparator.comparingLong(Placed::from)
                        .thenComparingLong(tensor -> tensor.entry().bytes()))
                .toList();
        for (Placed tensor : sorted) {
            if (tensor.from() != end) {
                throw broken(
                        file,
                        "tensor \"" + tensor.entry().name() + "\" begins at " + tensor.from()
                                + ", where the one before ends at " + end);
            }
            end = Bytes.plus(end, tensor.entry().bytes());
        }
        if (end != data) {
            throw broken(file, "its tensors have " + end + " bytes and " + data + " follow the header");
        }
    }

    /** The header and no byte more. */
    private static final class Limited extends FilterInputStream {
        private long left;

        Limited(InputStream in, long length) {
            super(in);
            left = length;
        }

        @Override
        public int read() throws IOException {
            return left-- > 0 ? super.read() : -1;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (left <= 0) {
                return -1;
            }
            int read = super.read(to, offset, (int) Math.min(length, left));
            left -= Math.max(0, read);
            return read;
        }
    }

    private static String shown(String name) {
        return name.length() > 80 ? name.substring(0, 80) + "…" : name;
    }

    private static IllegalArgumentException broken(Path file, String why) {
        return new IllegalArgumentException(file.getFileName() + " is no whole safetensors file: " + why + ".");
    }
}
