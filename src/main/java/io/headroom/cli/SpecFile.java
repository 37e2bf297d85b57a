package io.headroom.cli;

import java.io.IOException;
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

    private SpecFile() {}

    /**
     * The text, without its byte-order mark.
     *
     * @throws IllegalArgumentException naming the file and why it cannot be read
     */
    static String read(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
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

    /** What PowerShell's {@code >} writes begins with UTF-16's mark. */
    private static Charset charset(byte[] bytes) {
        if (bytes.length < 2) {
            return StandardCharsets.UTF_8;
        }
        int first = (bytes[0] & 0xFF) << 8 | bytes[1] & 0xFF;
        return first == 0xFFFE || first == 0xFEFF ? StandardCharsets.UTF_16 : StandardCharsets.UTF_8;
    }
}
