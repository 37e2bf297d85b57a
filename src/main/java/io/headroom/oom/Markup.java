package io.headroom.oom;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** HTML around and inside a pasted message. */
final class Markup {
    private static final Pattern ENTITY =
            Pattern.compile("&(?:nbsp|quot|gt|lt|amp|apos|#\\d{1,4}|#x[0-9a-fA-F]{1,4});");
    private static final Pattern TAG = Pattern.compile(
            "</?(?:a|b|br|code|div|em|font|i|li|p|pre|span|strong|td|tr|tt|u)(?:\\s[^<>=]{1,40}=[^<>]{0,200})?\\s?/?>",
            Pattern.CASE_INSENSITIVE);

    private Markup() {}

    /** The end of the entity or tag that begins at {@code from}; {@code from} if none does. */
    static int end(String text, int from, int end) {
        Matcher markup =
                (text.charAt(from) == '&' ? ENTITY : TAG).matcher(text).region(from, Math.min(end, from + 240));
        return markup.lookingAt() ? markup.end() : from;
    }
}
