package io.headroom.render;

import java.util.Locale;

/** A bar from nothing to a limit, made of what survives JupyterLab's sanitizer. */
final class UsageBar {
    private static final double WARM = 0.75;
    private static final double HOT = 0.9;

    private UsageBar() {}

    static String html(long used, long limit, String label) {
        double share = limit <= 0 ? 1 : Math.max(0, Math.min(1, used / (double) limit));
        String color = share > HOT ? "#d62728" : share > WARM ? "#ff7f0e" : "#2ca02c";
        return String.format(
                Locale.ROOT,
                "<div style=\"margin:2px 0\">%s"
                        + "<div style=\"background-color:#dddddd;width:320px;height:10px\">"
                        + "<div style=\"background-color:%s;width:%.0fpx;height:10px\"></div></div></div>",
                Html.escape(label),
                color,
                320 * share);
    }
}
