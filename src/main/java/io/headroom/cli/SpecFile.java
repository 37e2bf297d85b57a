package io.headroom.cli;

import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The text of a file as people's editors and shells write it: UTF-8 with a mark or without, or UTF-16 with one. */
final class SpecFile {
    private static final String MARK = "\uFEFF";
    private static final int LARGEST = 1 << 24;

    private SpecFile() {}

    /**
     * The text, without its byte-order mark; at most 16 MiB are read.
     *
     * @throws IllegalArgumentException naming the file and why it cannot be read
     */
    static String read(Path file) {
        try {
            byte[] bytes = bytes(file);
            Charset charset = charset(bytes);
            String text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return text.startsWith(MARK) ? text.substring(1) : text;
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("cannot read " + file + ": there is no such file.", e);
        } catch (AccessDeniedException e) {
            throw new IllegalArgumentException("cannot read " + file + ": permission denied.", e);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(
                    "cannot read " + file + ": it is not UTF-8 text. Save it as UTF-8 and try again.", e);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "cannot read " + file + ": "
                            + (Files.isDirectory(file)
                                    ? "it is a folder. Give a file with a JSON object in it."
                                    : e.getMessage() + "."),
                    e);
        }
    }

    /** Pipes are read too, as of {@code <(…)}; what does not end, as {@code /dev/zero}, is given up. */
    private static byte[] bytes(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(LARGEST + 1);
            if (bytes.length > LARGEST) {
                throw new IllegalArgumentException("cannot read " + file + ": it has more than " + Bytes.format(LARGEST)
                        + ", the most that is read of a spec. Split it.");
            }
            return bytes;
        }
    }

    /** What PowerShell's {@code >} writes begins with UTF-16's mark. */
    private static Charset charset(byte[] bytes) {
        if (bytes.length < 2) {
            return StandardCharsets.UTF_8;
        }
        int first = (bytes[0] & 0xFF) << 8 | bytes[1] & 0xFF;
        return first == 0xFFFE || first == 0xFEFF ? StandardCharsets.UTF_16 : StandardCharsets.UTF_8;
    }
}
