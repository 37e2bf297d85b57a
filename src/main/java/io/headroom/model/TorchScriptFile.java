package io.headroom.model;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a perceptron of {@code widths.length − 1} linear layers as a TorchScript file, without Python.
 *
 * <p>The archive is what {@code torch.jit.save} writes: {@code data.pkl} with the module's fields, {@code code/} with
 * its forward function, {@code data/N} with one float32 tensor each. Weights are deterministic and small.
 */
final class TorchScriptFile {
    private static final long SEED = 20;
    private static final int CHUNK = 1 << 16;

    private TorchScriptFile() {}

    static void write(Path file, int... widths) throws IOException {
        int layers = widths.length - 1;
        try (OutputStream raw = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20);
                ZipOutputStream zip = new ZipOutputStream(raw)) {
            zip.setMethod(ZipOutputStream.STORED);
            store(zip, "model/version", "3\n".getBytes(StandardCharsets.US_ASCII));
            store(zip, "model/data.pkl", fields(widths));
            store(zip, "model/code/__torch__.py", code(layers).getBytes(StandardCharsets.US_ASCII));
            store(zip, "model/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
            for (int i = 0; i < layers; i++) {
                floats(zip, "model/data/" + 2 * i, (long) widths[i] * widths[i + 1], 2L * i, widths[i]);
                floats(zip, "model/data/" + (2 * i + 1), widths[i + 1], 2L * i + 1, widths[i]);
            }
        }
    }

    private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
        store(zip, name, content.length, out -> out.write(content));
    }

    /** Writes the same floats twice, first for the checksum: a stored entry names it before its content. */
    private static void floats(ZipOutputStream zip, String name, long count, long stream, int fanIn)
            throws IOException {
        float scale = (float) Math.sqrt(1.0 / fanIn);
        store(zip, name, Math.multiplyExact(count, Float.BYTES), out -> {
            SplittableRandom random = new SplittableRandom(SEED + stream);
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
            for (long i = 0; i < count; i++) {
                chunk.putFloat((float) (random.nextDouble() * 2 - 1) * scale);
                if (!chunk.hasRemaining() || i == count - 1) {
                    out.write(chunk.array(), 0, chunk.position());
                    chunk.clear();
                }
            }
        });
    }

    private interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private static void store(ZipOutputStream zip, String name, long size, Content content) throws IOException {
        CheckedOutputStream checked = new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
        content.writeTo(checked);
        ZipEntry entry = new ZipEntry(name);
        entry.setTime(0);
        entry.setSize(size);
        entry.setCrc(checked.getChecksum().getValue());
        zip.putNextEntry(entry);
        content.writeTo(zip);
        zip.closeEntry();
    }

    private static String code(int layers) {
        StringBuilder code = new StringBuilder("class Perceptron(Module):\n  __parameters__ = [");
        StringBuilder types = new StringBuilder();
        StringBuilder body = new StringBuilder();
        for (int i = 0; i < layers; i++) {
            code.append("\"w").append(i).append("\", \"b").append(i).append("\", ");
            types.append("  w").append(i).append(" : Tensor\n  b").append(i).append(" : Tensor\n");
            String from = i == 0 ? "x" : "_" + (i - 1);
            String linear = "torch.linear(" + from + ", self.w" + i + ", self.b" + i + ")";
            boolean last = i == layers - 1;
            body.append(last ? "    return " : "    _" + i + " = ")
                    .append(last ? linear : "torch.relu(" + linear + ")")
                    .append('\n');
        }
        return code.append("]\n  __buffers__ = []\n  training : bool\n")
                .append(types)
                .append("  def forward(self: __torch__.Perceptron,\n    x: Tensor) -> Tensor:\n")
                .append(body)
                .toString();
    }

    /** The module's fields as a pickle, protocol 2. */
    private static byte[] fields(int... widths) throws IOException {
        Pickle pickle = new Pickle();
        pickle.raw(0x80, 2).global("__torch__", "Perceptron").raw(')', 0x81, '}', '(');
        pickle.text("training").raw(0x89);
        for (int i = 0; i + 1 < widths.length; i++) {
            pickle.text("w" + i).tensor(2 * i, widths[i + 1], widths[i]);
            pickle.text("b" + i).tensor(2 * i + 1, widths[i + 1]);
        }
        return pickle.raw('u', 'b', '.').bytes();
    }

    /** The few pickle opcodes a module of tensors needs. */
    private static final class Pickle {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Pickle raw(int... opcodes) {
            for (int opcode : opcodes) {
                out.write(opcode);
            }
            return this;
        }

        Pickle global(String module, String name) throws IOException {
            out.write('c');
            out.write((module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        Pickle text(String text) throws IOException {
            out.write('X');
            return number(text.length(), text.getBytes(StandardCharsets.US_ASCII));
        }

        Pickle integer(int value) throws IOException {
            out.write('J');
            return number(value);
        }

        private Pickle number(int value, byte... rest) throws IOException {
            out.write(ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(value)
                    .array());
            out.write(rest);
            return this;
        }

        void tensor(int storage, int... shape) throws IOException {
            int count = 1;
            for (int size : shape) {
                count = Math.multiplyExact(count, size);
            }
            global("torch._utils", "_rebuild_tensor_v2").raw('(');
            raw('(').text("storage").global("torch", "FloatStorage").text(String.valueOf(storage));
            text("cpu").integer(count).raw('t', 'Q');
            integer(0).raw('(');
            for (int size : shape) {
                integer(size);
            }
            raw('t', '(');
            if (shape.length == 2) {
                integer(shape[1]);
            }
            integer(1).raw('t', 0x88);
            global("collections", "OrderedDict").raw(')', 'R', 't', 'R');
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
