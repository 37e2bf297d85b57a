package io.headroom.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.units.Bytes;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The size of a model's weights, read from its file's header without loading or executing anything in it.
 *
 * <pre>{@code
 * Weights.of(Path.of("models/age.pt")).bytes();   // 209747968
 * }</pre>
 *
 * @param format how the file is written
 * @param tensors number of tensors stored
 * @param bytes what the tensors take in memory, in the data type they are stored in
 */
public record Weights(Format format, int tensors, long bytes) {

    /** The files weights come in. */
    public enum Format {
        /** {@code torch.jit.save}: a zip archive with code. */
        TORCHSCRIPT,
        /** {@code torch.save}: a zip archive with tensors only; DJL cannot run it. */
        STATE_DICT,
        /** DJL's {@code Model.save}. */
        DJL_PARAMS,
        /** Hugging Face safetensors. */
        SAFETENSORS
    }

    private static final int NDARRAY_VERSIONS = 3;
    private static final int LARGEST_HEADER = 100_000_000;

    /**
     * Reads the header of a file.
     *
     * @throws ModelException if there is no such file, or it is cut short or of no known format
     */
    public static Weights of(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ModelException(
                    "There is no model file " + file.toAbsolutePath().normalize()
                            + ". Give the path of a TorchScript file (.pt), a DJL parameter file (.params) or a safetensors file.");
        }
        try (RandomAccessFile data = new RandomAccessFile(file.toFile(), "r")) {
            if (data.length() < 8) {
                throw cut(file, data.length(), null);
            }
            byte[] magic = new byte[4];
            data.readFully(magic);
            String start = new String(magic, StandardCharsets.ISO_8859_1);
            if (start.equals("PK\3\4")) {
                return zip(file, data.length());
            }
            if (start.equals("DJL@")) {
                return params(file, data);
            }
            if (file.toString().endsWith(".safetensors")) {
                return safetensors(file, data);
            }
        } catch (IOException e) {
            throw new ModelException("The model file " + file + " cannot be read: " + e.getMessage(), e);
        }
        throw new ModelException(
                "The file " + file + " is no model: it is neither TorchScript (.pt, a zip archive), nor DJL"
                        + " parameters (.params, beginning with DJL@), nor safetensors. Save it with torch.jit.save(…) or"
                        + " Model.save(…).");
    }

    private static Weights zip(Path file, long length) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            long bytes = 0;
            int tensors = 0;
            boolean code = false;
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                String name = entry.getName();
                code |= name.contains("/code/");
                if (name.matches("[^/]+/(data|constants)/[0-9]+")) {
                    tensors++;
                    bytes = Bytes.plus(bytes, Math.max(0, entry.getSize()));
                }
            }
            return new Weights(code ? Format.TORCHSCRIPT : Format.STATE_DICT, tensors, bytes);
        } catch (ZipException e) {
            throw cut(file, length, e);
        }
    }

    /** Goes from one encoded NDArray to the next; the bytes between are blocks' metadata. */
    private static Weights params(Path file, RandomAccessFile data) throws IOException {
        long bytes = 0;
        int tensors = 0;
        byte[] window = new byte[1 << 16];
        long position = 0;
        try {
            while (position < data.length()) {
                data.seek(position);
                int read = data.read(window);
                int found = find(window, read);
                if (found < 0) {
                    position += Math.max(1, read - 5);
                    if (read < 6) {
                        break;
                    }
                    continue;
                }
                data.seek(position + found + 6);
                long size = array(data);
                if (size < 0) {
                    position += found + 1;
                    continue;
                }
                position = data.getFilePointer() + size;
                if (position > data.length()) {
                    throw new EOFException();
                }
                bytes = Bytes.plus(bytes, size);
                tensors++;
            }
        } catch (EOFException e) {
            throw cut(file, data.length(), e);
        }
        return new Weights(Format.DJL_PARAMS, tensors, bytes);
    }

    private static int find(byte[] window, int length) {
        for (int i = 0; i + 6 <= length; i++) {
            if (window[i] == 0
                    && window[i + 1] == 4
                    && window[i + 2] == 'N'
                    && window[i + 3] == 'D'
                    && window[i + 4] == 'A'
                    && window[i + 5] == 'R') {
                return i;
            }
        }
        return -1;
    }

    /** The bytes of the array whose header follows, −1 if none does. */
    private static long array(RandomAccessFile data) throws IOException {
        int version = data.readInt();
        if (version < 1 || version > NDARRAY_VERSIONS) {
            return -1;
        }
        if (version > 1 && data.readByte() == 1) {
            data.readUTF();
        }
        data.readUTF();
        data.readUTF();
        int dimensions = data.readInt();
        data.skipBytes(Math.multiplyExact(dimensions, Long.BYTES));
        int layout = data.readInt();
        data.skipBytes(Math.multiplyExact(layout, Character.BYTES));
        if (version > 2) {
            data.readByte();
        }
        return data.readInt();
    }

    private static Weights safetensors(Path file, RandomAccessFile data) throws IOException {
        data.seek(0);
        long header = Long.reverseBytes(data.readLong());
        if (header <= 0 || header > LARGEST_HEADER || header + Long.BYTES > data.length()) {
            throw cut(file, data.length(), null);
        }
        byte[] json = new byte[(int) header];
        data.readFully(json);
        long end = 0;
        int tensors = 0;
        for (var fields = new ObjectMapper().readTree(json).properties().iterator(); fields.hasNext(); ) {
            var field = fields.next();
            JsonNode offsets = field.getValue().get("data_offsets");
            if (offsets != null && offsets.size() == 2) {
                tensors++;
                end = Math.max(end, offsets.get(1).asLong());
            }
        }
        if (header + Long.BYTES + end > data.length()) {
            throw cut(file, data.length(), null);
        }
        return new Weights(Format.SAFETENSORS, tensors, end);
    }

    private static ModelException cut(Path file, long length, Exception cause) {
        return new ModelException(
                "The model file " + file + " is incomplete or damaged: its " + Bytes.format(length)
                        + " end before the weights do. Copy or download it again and compare the size.",
                cause);
    }
}
