package io.headroom.widget;

import io.headroom.render.Bundle;
import io.headroom.render.Html;
import java.util.function.Supplier;

/**
 * A button that does one thing once and shows below it what it did.
 *
 * <p>The click runs on the kernel's thread; what the action throws is shown as its message.
 *
 * <pre>{@code
 * new ActionButton("Release what the failed cell holds", "1.20 GiB", () -> releaseFailed().toString(), "releaseFailed()");
 * }</pre>
 */
public final class ActionButton {
    private final String label;
    private final String tooltip;
    private final Supplier<String> action;
    private final String code;

    /**
     * @param action returns what to show
     * @param code what to type where there are no widgets
     */
    public ActionButton(String label, String tooltip, Supplier<String> action, String code) {
        this.label = label;
        this.tooltip = tooltip;
        this.action = action;
        this.code = code;
    }

    /** Opens the button; without widgets the bundle is a line that says what to type. */
    public Bundle show(Comm.Opener opener) {
        Controls factory = new Controls(Widgets.of(opener));
        Widget said = factory.html("");
        Widget button = factory.button(label, tooltip);
        button.onClick(() -> {
            button.set("disabled", true);
            said.set("value", "<pre style=\"white-space:pre-wrap\">" + Html.escape(result()) + "</pre>");
        });
        return Controls.view(factory.vBox(button, said), Bundle.text(label + ": " + code));
    }

    private String result() {
        try {
            return action.get();
        } catch (RuntimeException failed) {
            return String.valueOf(failed.getMessage());
        }
    }
}
