// Browsers without ES modules get a sentence instead of a page that never answers.
document.getElementById('size').textContent = 'This browser is too old for this page: it needs Chrome 91, Firefox 89, Safari 16.4 or later.';
document.getElementById('backend').textContent = 'browser too old';
document.getElementById('generate').disabled = true;
